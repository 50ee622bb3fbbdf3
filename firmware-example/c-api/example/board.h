/* The emulated Cortex-M4 (MPS2 AN386): text to the host, the end of the program, and a counter of
   instructions. */

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program is: it ends by `end`. */
void program(void);

/* Ends the program with a line of text. */
void end(const char *text, int success);

/* Prints a text, a number and another text. */
void print(const char *before, uint32_t number, const char *after);

/* A moment, for `instructions_since`. */
uint32_t now(void);

/* Instructions since then, to within 40: the emulator runs one each nanosecond, and counts ticks
   of 40 ns. Right for up to 671 million. */
uint32_t instructions_since(uint32_t moment);

#ifdef __cplusplus
}
#endif

#endif
