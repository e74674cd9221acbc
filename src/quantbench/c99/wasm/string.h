/* What the generated C takes from the C library, for a compiler that has none. */
#ifndef QUANTBENCH_STRING_H
#define QUANTBENCH_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);

#endif
