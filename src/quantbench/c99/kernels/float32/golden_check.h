/* Beside the network: the golden vectors, run by whoever loaded the library. Not part of the
   delivered model. */
#include "golden.h"

size_t model_golden(float *scratch);

/* The number of the first vector whose output is too far off, counted from 1; 0 where none is. */
size_t model_golden(float *scratch)
{
    static float output[MODEL_OUTPUT_SIZE]; /* of a segmentation too large for a stack */
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        MODEL_GOLDEN_RUN(model_golden_inputs + i * MODEL_INPUT_SIZE, output, scratch);
        for (size_t k = 0; k < MODEL_OUTPUT_SIZE; k++) {
            const float wanted = model_golden_outputs[i * MODEL_OUTPUT_SIZE + k];
            const float room = model_golden_tolerances[i * MODEL_OUTPUT_SIZE + k];
            if (!(output[k] >= wanted - room && output[k] <= wanted + room)) { /* NaN, too */
                return i + 1;
            }
        }
    }
    return 0;
}
