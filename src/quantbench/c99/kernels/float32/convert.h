/* Around the network: images [C][H][W] in and out, as the network has them, any number of
   them. Not part of the delivered model. */
#include "model.h"

typedef struct {
    const float *images;
    float *answers;
    size_t count;
    float *memory; /* for one image, the scratch and the output */
} batch;

void model_batch(const batch *given);
void model_image(const float *image, const batch *given);

void model_batch(const batch *given)
{
    const float *images = given->images;
    float *answers = given->answers;
    float *const memory = given->memory;
    for (size_t i = 0; i < given->count; i++) {
        const float *image = images;
#if CHANNELS > 1
        for (size_t p = 0; p < PIXELS; p++) {
            for (size_t c = 0; c < CHANNELS; c++) {
                memory[p * CHANNELS + c] = images[c * PIXELS + p];
            }
        }
        image = memory;
#endif
#if OUT_CHANNELS > 1 && OUT_PIXELS > 1
        float *const output = memory + OUTPUT_AT / sizeof(float);
        model_run(image, output, memory + SCRATCH_AT / sizeof(float));
        for (size_t p = 0; p < OUT_PIXELS; p++) {
            for (size_t c = 0; c < OUT_CHANNELS; c++) {
                answers[c * OUT_PIXELS + p] = output[p * OUT_CHANNELS + c];
            }
        }
#else
        model_run(image, answers, memory + SCRATCH_AT / sizeof(float));
#endif
        images += MODEL_INPUT_SIZE;
        answers += MODEL_OUTPUT_SIZE;
    }
}

/* `given`, with this image. */
void model_image(const float *image, const batch *given)
{
    batch one = *given;
    one.images = image;
    model_batch(&one);
}
