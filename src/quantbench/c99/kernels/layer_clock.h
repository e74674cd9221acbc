/* Counters of time, for a profile: model_ticks[k] is the time of layer k, summed over calls, and
   model_ticks[MODEL_LAYERS] that of the conversions before and behind the layers. A tick is one of
   the processor's own clock, which runs at a constant rate. */
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#define MODEL_NOW() __rdtsc()
#elif defined(__aarch64__)
static uint64_t model_counter(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#define MODEL_NOW() model_counter()
#else
#include <time.h>
#define MODEL_NOW() ((uint64_t)clock())
#endif

uint64_t model_ticks[MODEL_LAYERS + 1];
static uint64_t model_last;

uint64_t model_now(void);
void model_begin(void);
void model_end(void);

static void model_mark(unsigned counter)
{
    const uint64_t now = MODEL_NOW();
    model_ticks[counter] += now - model_last;
    model_last = now;
}

uint64_t model_now(void)
{
    return MODEL_NOW();
}

void model_begin(void)
{
    model_last = MODEL_NOW();
}

void model_end(void)
{
    model_mark(MODEL_LAYERS);
}
