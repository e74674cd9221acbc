/* Beside the integer core: float32 images [C][H][W] in and out, any number of them. Not part of
   the delivered model. */
#include "model.h"

typedef struct {
    const float *images;
    float *answers;
    size_t count;
    uint8_t *memory; /* for the integers of one image, the scratch and the output */
} batch;

void model_batch(const batch *given);
void model_image(const float *image, const batch *given);

/* round(value / scale) + zero, half to even, within 0..255: adding 1.5 * 2**23 leaves no bits
   below 1, and float32's own rounding does the rest. */
static uint8_t quantized(float value)
{
    const float least = -(float)ZERO, most = 255.0F - (float)ZERO;
    const float large = 12582912.0F;
    float scaled = value / (float)SCALE;
    scaled = scaled > least ? scaled : least;
    scaled = scaled < most ? scaled : most;
    return (uint8_t)((int32_t)((scaled + large) - large) + ZERO);
}

void model_batch(const batch *given)
{
    const float *images = given->images;
    float *answers = given->answers;
    uint8_t *const memory = given->memory;
    static const float scales[] = OUT_SCALES;
    void *const at = memory + OUTPUT_AT;
    model_output *const output = at;
    for (size_t i = 0; i < given->count; i++) {
        for (size_t c = 0; c < CHANNELS; c++) {
            for (size_t p = 0; p < PIXELS; p++) {
                memory[p * CHANNELS + c] = quantized(images[c * PIXELS + p]);
            }
        }
        images += MODEL_INPUT_SIZE;
        model_run(memory, output, memory + SCRATCH_AT);
        for (size_t c = 0; c < OUT_CHANNELS; c++) {
            for (size_t p = 0; p < OUT_PIXELS; p++) {
                const size_t k = p * OUT_CHANNELS + c;
                const float scale = scales[k % OUT_SCALE_COUNT];
                *answers++ = (float)((int32_t)output[k] - OUT_ZERO) * scale;
            }
        }
    }
}

/* `given`, with this image. */
void model_image(const float *image, const batch *given)
{
    batch one = *given;
    one.images = image;
    model_batch(&one);
}
