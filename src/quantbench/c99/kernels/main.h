/* Runs the golden vectors through the model; prints PASS, or the first value that differs. */
#include <stdio.h>

#include "model.h"

#include "golden.h"

static uint8_t scratch[MODEL_SCRATCH];
static model_output output[MODEL_OUTPUT_SIZE];

int main(void)
{
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        MODEL_GOLDEN_RUN(model_golden_inputs + i * MODEL_INPUT_SIZE, output, scratch);
        for (size_t k = 0; k < MODEL_OUTPUT_SIZE; k++) {
            const model_output wanted = model_golden_outputs[i * MODEL_OUTPUT_SIZE + k];
            if (output[k] != wanted) {
                printf("FAIL: vector %lu, output %lu is %ld, not %ld\n", (unsigned long)i,
                       (unsigned long)k, (long)output[k], (long)wanted);
                return 1;
            }
        }
    }
    printf("PASS: %d vectors\n", MODEL_GOLDEN_COUNT);
    return 0;
}
