/* In place of the compiler's own: Arm's instructions in plain C, by SIMDe. */
#ifndef EMULATED
#define EMULATED
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/arm/neon.h>
#endif
