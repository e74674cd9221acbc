/* Beside the integer core: the golden vectors, run by whoever loaded the library. Not part of the
   delivered model. */
#include "golden.h"

size_t model_golden(uint8_t *scratch);

/* The number of the first vector whose output differs, counted from 1; 0 where none does. */
size_t model_golden(uint8_t *scratch)
{
    model_output output[MODEL_OUTPUT_SIZE];
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        MODEL_GOLDEN_RUN(model_golden_inputs + i * MODEL_INPUT_SIZE, output, scratch);
        for (size_t k = 0; k < MODEL_OUTPUT_SIZE; k++) {
            if (output[k] != model_golden_outputs[i * MODEL_OUTPUT_SIZE + k]) {
                return i + 1;
            }
        }
    }
    return 0;
}
