/* Runs the golden vectors through the model; prints PASS, or the first value that differs. */
#include <stdio.h>

#include "lenet.h"

#include "golden.h"

static uint8_t scratch[LENET_SCRATCH];
static lenet_output output[LENET_OUTPUT_SIZE];

int main(void)
{
    for (size_t i = 0; i < LENET_GOLDEN_COUNT; i++) {
        LENET_GOLDEN_RUN(lenet_golden_inputs + i * LENET_INPUT_SIZE, output, scratch);
        for (size_t k = 0; k < LENET_OUTPUT_SIZE; k++) {
            const lenet_output wanted = lenet_golden_outputs[i * LENET_OUTPUT_SIZE + k];
            if (output[k] != wanted) {
                printf("FAIL: vector %lu, output %lu is %ld, not %ld\n", (unsigned long)i,
                       (unsigned long)k, (long)output[k], (long)wanted);
                return 1;
            }
        }
    }
    printf("PASS: %d vectors\n", LENET_GOLDEN_COUNT);
    return 0;
}
