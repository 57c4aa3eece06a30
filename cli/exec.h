/* Running other programs: the compiler, pkg-config. */
#ifndef URN_CLI_EXEC_H
#define URN_CLI_EXEC_H

#include "../runtime/base/base.h"

enum { CLI_EXEC_WORDS = 64 };

/* A command under construction; its words point into `text` or at constants. */
typedef struct cli_exec {
    const char *words[CLI_EXEC_WORDS + 1];
    int n;
    char text[16384];
    size_t used;
} cli_exec;

void cli_exec_add(cli_exec *c, const char *word);
/* Adds a copy of prefix + word. */
void cli_exec_add_joined(cli_exec *c, const char *prefix, const char *word);
/* Adds the blank-separated words of `text`. */
void cli_exec_add_words(cli_exec *c, const char *text);

/* Runs a command; its exit code, 127 if it could not be started. What it prints goes to stderr. */
int cli_exec_run(const cli_exec *c);
/* The same with what it prints to its standard output appended to `output`; `quiet`: nothing else
 * is shown. */
int cli_exec_read(const cli_exec *c, bool quiet, urn__text *output);

#endif
