/* Runs the golden vectors through the model; prints PASS, or the first value that is too far
   from what float64 gives. */
#include <stdio.h>

#include "model.h"

#include "golden.h"

static float scratch[MODEL_SCRATCH];
static float output[MODEL_OUTPUT_SIZE];

int main(void)
{
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        MODEL_GOLDEN_RUN(model_golden_inputs + i * MODEL_INPUT_SIZE, output, scratch);
        for (size_t k = 0; k < MODEL_OUTPUT_SIZE; k++) {
            const float wanted = model_golden_outputs[i * MODEL_OUTPUT_SIZE + k];
            const float room = model_golden_tolerances[i * MODEL_OUTPUT_SIZE + k];
            if (!(output[k] >= wanted - room && output[k] <= wanted + room)) { /* NaN, too */
                printf("FAIL: vector %lu, output %lu is %.9g, not %.9g within %.2g\n",
                       (unsigned long)i, (unsigned long)k, (double)output[k], (double)wanted,
                       (double)room);
                return 1;
            }
        }
    }
    printf("PASS: %d vectors\n", MODEL_GOLDEN_COUNT);
    return 0;
}
