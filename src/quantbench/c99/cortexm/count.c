/* Runs on a Cortex-M in QEMU with -icount shift=0, where an instruction takes 1 ns: checks the
   golden vectors, then counts what model_run takes for them. SysTick, at 25 MHz, counts one tick
   for 40 instructions. */
#define main golden
#include "main.c"
#undef main

#define CONTROL (*(volatile uint32_t *)0xE000E010u)
#define RELOAD (*(volatile uint32_t *)0xE000E014u)
#define CURRENT (*(volatile uint32_t *)0xE000E018u)
#define TICKS 0x1000000u
#define PAINT 0xA5C3965Au
#define DEPTH 65536u

typedef __typeof__(MODEL_GOLDEN_RUN) run_t;

void wrapped(void);

static volatile uint32_t wraps;

void wrapped(void)
{
    wraps++;
}

static void nothing(const __typeof__(*scratch) *input, __typeof__(*output) *values,
                    __typeof__(*scratch) *memory)
{
    (void)input;
    (void)values;
    (void)memory;
}

/* Called through this, both functions are called in the same way. */
static run_t *volatile called;

static uint32_t ticks(run_t *run)
{
    called = run;
    wraps = 0;
    RELOAD = TICKS - 1;
    CURRENT = 0;
    CONTROL = 7;
    while (CURRENT == 0) { /* as it reads until its first tick */
    }
    const uint32_t begin = CURRENT;
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        called(model_golden_inputs + i * MODEL_INPUT_SIZE, output, scratch);
    }
    uint32_t rounds, left;
    do { /* of one moment: it may begin anew between the two */
        rounds = wraps;
        left = CURRENT;
    } while (rounds != wraps);
    CONTROL = 0;
    return rounds * TICKS + begin - left;
}

/* Bytes of stack that the call writes to: what is no longer as it was painted. */
static unsigned long depth(run_t *run)
{
    uint32_t top;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    volatile uint32_t *at = (volatile uint32_t *)(top - DEPTH);
    for (uint32_t i = 0; i < DEPTH / 4; i++) {
        at[i] = PAINT;
    }
    run(model_golden_inputs, output, scratch);
    while (*at == PAINT && (uint32_t)at < top) {
        at++;
    }
    return top - (uint32_t)at;
}

int main(void)
{
    if (golden() != 0) {
        return 1;
    }
    const uint32_t empty = ticks(nothing);
    const unsigned long full = ticks(MODEL_GOLDEN_RUN) - empty;
    printf("COUNTED %lu ticks, %lu bytes of stack\n", full, depth(MODEL_GOLDEN_RUN));
    return 0;
}
