/* Runs the samples of inputs.bin through the model and writes their outputs to outputs.bin: values
   one behind the other, each with its lowest byte first. With MODEL_WATCHED the tensors of all
   layers go to layers.bin, in the order of the layers. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

#include "verify-packed.h"

static uint8_t input[MODEL_INPUT_SIZE], scratch[MODEL_SCRATCH];
static model_output output[MODEL_OUTPUT_SIZE];
static FILE *layers;

static void write_values(FILE *file, const void *values, size_t count, size_t bytes)
{
    const uint8_t *from = values;
    for (size_t i = 0; i < count; i++) {
        uint32_t value = 0;
        if (bytes == 4) {
            memcpy(&value, from + 4 * i, 4);
        } else {
            value = from[i];
        }
        for (size_t k = 0; k < bytes; k++) {
            putc((int)(value >> 8 * k & 255), file);
        }
    }
}

void model_watched(const void *values, size_t count, size_t bytes);

void model_watched(const void *values, size_t count, size_t bytes)
{
    write_values(layers, values, count, bytes);
}

int main(void)
{
    FILE *inputs = fopen("inputs.bin", "rb"), *outputs = fopen("outputs.bin", "wb");
#ifdef MODEL_WATCHED
    layers = fopen("layers.bin", "wb");
    if (!layers) {
        return 2;
    }
#endif
    if (!inputs || !outputs) {
        return 2;
    }
    for (size_t i = 0; i < MODEL_SAMPLES; i++) {
        if (fread(input, sizeof input, 1, inputs) != 1) {
            return 3;
        }
        memset(scratch, (int)(i & 255), sizeof scratch); /* what is in it means nothing */
        MODEL_GOLDEN_RUN(input, output, scratch);
        write_values(outputs, output, MODEL_OUTPUT_SIZE, sizeof *output);
    }
#ifdef MODEL_WATCHED
    if (fclose(layers)) {
        return 4;
    }
#endif
    return fclose(outputs) ? 4 : 0;
}
