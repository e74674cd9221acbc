/* Where a Cortex-M starts: with its floating-point unit on. The C library's own start comes next. */
#include <stdint.h>

typedef void handler_t(void);

void _start(void);
void reset(void);
void wrapped(void);
extern uint32_t stack_top[];

void reset(void)
{
    *(volatile uint32_t *)0xE000ED88u |= 0xF00000u;
    __asm__ volatile("dsb\n isb");
    _start();
}

/* The clock's interrupt, for who doesn't count by it. */
__attribute__((weak)) void wrapped(void)
{
}

/* Stack, reset; the last of the processor's own is SysTick. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler_t *handlers[15];
} vectors = {stack_top, {reset, [14] = wrapped}};
