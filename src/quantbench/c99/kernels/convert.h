/* Beside the integer core: float32 images [C][H][W] in and out, any number of them. Not part of
   the delivered model. */
#include <string.h>

#include "model.h"
#if SAMPLES > 1
#include "together.h"
#endif

typedef struct {
    const float *images;
    float *answers;
    size_t count;
    uint8_t *memory; /* for the integers of SAMPLES images, the scratch and the outputs */
} batch;

void model_batch(const batch *given);
void model_image(const float *image, const batch *given);

/* value / SCALE. Where the generator has proved that it rounds to the same integers, a product with
   the reciprocal, corrected by its exact remainder: see numerics/reciprocal.py. */
static float quotient(float value)
{
#if defined(RECIPROCAL) && defined(__GNUC__) && (defined(__FMA__) || defined(__ARM_FEATURE_FMA))
    const float near = value * (float)RECIPROCAL;
    const float rest = __builtin_fmaf(-near, (float)SCALE, value);
    return __builtin_fmaf(rest, (float)RECIPROCAL, near);
#else
    return value / (float)SCALE;
#endif
}

/* round(value / scale) + zero, half to even, within 0..255: adding 1.5 * 2**23 leaves no bits
   below 1, and float32's own rounding does the rest. The lowest bits are the integer. */
static uint8_t quantized(float value)
{
    const float least = -(float)ZERO * (float)SCALE, most = (255.0F - (float)ZERO) * (float)SCALE;
    float within = value > least ? value : least;
    within = within < most ? within : most;
    const float rounded = quotient(within) + 12582912.0F;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    return (uint8_t)(bits + ZERO);
}

/* The integers of one image, [H][W][C], at places from `first` to `last`. Few channels lie beside
   each other for a part of the image first: compilers vectorize both loops. */
static void take(const float *images, uint8_t *to, size_t first, size_t last)
{
#if CHANNELS > 1 && CHANNELS <= 16
    enum { PART = 256 };
    uint8_t planes[CHANNELS][PART];
    for (size_t begin = first; begin < last; begin += PART) {
        const size_t count = last - begin < PART ? last - begin : PART;
        for (size_t c = 0; c < CHANNELS; c++) {
            for (size_t p = 0; p < count; p++) {
                planes[c][p] = quantized(images[c * PIXELS + begin + p]);
            }
        }
        for (size_t p = 0; p < count; p++) {
            for (size_t c = 0; c < CHANNELS; c++) {
                to[(begin + p) * CHANNELS + c] = planes[c][p];
            }
        }
    }
#else
    for (size_t c = 0; c < CHANNELS; c++) {
        for (size_t p = first; p < last; p++) {
            to[p * CHANNELS + c] = quantized(images[c * PIXELS + p]);
        }
    }
#endif
}

static void give(const model_output *output, float *answers)
{
    static const float scales[] = OUT_SCALES;
    for (size_t c = 0; c < OUT_CHANNELS; c++) {
        for (size_t p = 0; p < OUT_PIXELS; p++) {
            const size_t k = p * OUT_CHANNELS + c;
            const float scale = scales[k % OUT_SCALE_COUNT];
            *answers++ = (float)((int32_t)output[k] - OUT_ZERO) * scale;
        }
    }
}

/* The network on 1 to SAMPLES images: all at once, unless they are few. */
static void run(const uint8_t *inputs, model_output *outputs, uint8_t *scratch, size_t count)
{
#if SAMPLES > 1
    if (2 * count > SAMPLES) {
        together_run(inputs, outputs, scratch);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++) {
        model_run(inputs + i * MODEL_INPUT_SIZE, outputs + i * MODEL_OUTPUT_SIZE, scratch);
    }
}

void model_batch(const batch *given)
{
    const float *images = given->images;
    float *answers = given->answers;
    uint8_t *const memory = given->memory;
    void *const at = memory + OUTPUT_AT;
    model_output *const outputs = at;
    for (size_t left = given->count; left > 0;) {
        const size_t count = left < SAMPLES ? left : SAMPLES;
        for (size_t i = 0; i < count; i++, images += MODEL_INPUT_SIZE) {
            take(images, memory + i * MODEL_INPUT_SIZE, 0, PIXELS);
        }
        run(memory, outputs, memory + SCRATCH_AT, count);
        for (size_t i = 0; i < count; i++, answers += MODEL_OUTPUT_SIZE) {
            give(outputs + i * MODEL_OUTPUT_SIZE, answers);
        }
        left -= count;
    }
}

/* `given`, with this image. */
void model_image(const float *image, const batch *given)
{
    batch one = *given;
    one.images = image;
    model_batch(&one);
}
