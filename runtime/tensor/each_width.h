/* Includes URN__ROWS_FILE once for each vector width of this path, from the quarter of a register
 * that is still worth it to the whole, with LANES defined; the file undefines LANES. */
#if URN__REGISTER_LANES == 2
#define LANES 2
#include URN__ROWS_FILE
#endif
#if URN__REGISTER_LANES >= 4
#define LANES 4
#include URN__ROWS_FILE
#endif
#if URN__REGISTER_LANES >= 8
#define LANES 8
#include URN__ROWS_FILE
#endif
#if URN__REGISTER_LANES >= 16
#define LANES 16
#include URN__ROWS_FILE
#endif
#undef URN__ROWS_FILE
