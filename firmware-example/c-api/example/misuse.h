/* What is wrong on purpose. */

#ifndef MISUSE_H
#define MISUSE_H

#include "kindling.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls everything as it must not be called: each call gives its status, and changes nothing. */
void misuse(void);

/* Whether two score vectors are the same. */
bool same(const int8_t *scores, const int8_t *others, size_t values);

#ifdef __cplusplus
}
#endif

#endif
