/* Running other programs. */
#include "exec.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void cli_exec_add(cli_exec *c, const char *word)
{
    if (c->n < CLI_EXEC_WORDS)
        c->words[c->n++] = word;
}

static char *room(cli_exec *c, size_t size)
{
    if (size > sizeof c->text - c->used)
        return NULL;
    char *text = c->text + c->used;
    c->used += size;
    return text;
}

void cli_exec_add_joined(cli_exec *c, const char *prefix, const char *word)
{
    const size_t n = strlen(prefix) + strlen(word) + 1;
    char *text = room(c, n);
    if (text == NULL)
        return;
    snprintf(text, n, "%s%s", prefix, word);
    cli_exec_add(c, text);
}

void cli_exec_add_words(cli_exec *c, const char *text)
{
    while (*(text += strspn(text, " \t\n")) != '\0') {
        const size_t length = strcspn(text, " \t\n");
        char *word = room(c, length + 1);
        if (word == NULL)
            return;
        memcpy(word, text, length);
        word[length] = '\0';
        cli_exec_add(c, word);
        text += length;
    }
}

/* In the child. */
static void become(const cli_exec *c, int out, bool quiet)
{
    const int nowhere = quiet ? open("/dev/null", O_WRONLY) : -1;
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    dup2(out >= 0 ? out : STDERR_FILENO, STDOUT_FILENO);
    execvp(c->words[0], (char *const *)(uintptr_t)c->words);
    _exit(127);
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int cli_exec_run(const cli_exec *c)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        become(c, -1, false);
    return child < 0 ? 127 : wait_for(child);
}

static void drain(int from, urn__text *output)
{
    char part[16384];
    for (;;) {
        const ssize_t n = read(from, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        urn__text_add(output, "%.*s", (int)n, part);
    }
}

int cli_exec_read(const cli_exec *c, bool quiet, urn__text *output)
{
    int ends[2];
    if (pipe(ends) != 0)
        return 127;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        become(c, ends[1], quiet);
    }
    close(ends[1]);
    if (child > 0)
        drain(ends[0], output);
    close(ends[0]);
    return child < 0 ? 127 : wait_for(child);
}
