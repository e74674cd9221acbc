/* Around the network: images [C][H][W] in and out, as the network has them, any number of
   them. Not part of the delivered model. */
#include <string.h>

#include "model.h"

typedef struct {
    const float *images;
    float *answers;
    size_t count;
    float *memory; /* for one image, the scratch and the output */
} batch;

typedef float number, answer;

void model_batch(const batch *given);
void model_image(const float *image, const batch *given);

/* The numbers of one image, [H][W][C], at places from `first` to `last`. */
static void take(const float *images, float *to, size_t first, size_t last)
{
    for (size_t p = first; p < last; p++) {
        for (size_t c = 0; c < CHANNELS; c++) {
            to[p * CHANNELS + c] = images[c * PIXELS + p];
        }
    }
}

static void give(const float *output, float *answers)
{
    for (size_t p = 0; p < OUT_PIXELS; p++) {
        for (size_t c = 0; c < OUT_CHANNELS; c++) {
            answers[c * OUT_PIXELS + p] = output[p * OUT_CHANNELS + c];
        }
    }
}

void model_batch(const batch *given)
{
    const float *images = given->images;
    float *answers = given->answers;
    float *const memory = given->memory;
    float *const output = memory + OUTPUT_AT / sizeof(float);
    for (size_t i = 0; i < given->count; i++) {
        if (CHANNELS > 1) {
            take(images, memory, 0, PIXELS);
        }
        const int moves = OUT_CHANNELS > 1 && OUT_PIXELS > 1;
        model_run(CHANNELS > 1 ? memory : images, moves ? output : answers,
                  memory + SCRATCH_AT / sizeof(float));
        if (moves) {
            give(output, answers);
        }
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
