/* Beside the integer core: the golden vectors, run by whoever loaded the library. Not part of the
   delivered model. */
#include "golden.h"

size_t model_golden(uint8_t *scratch);

#if SAMPLES > 1
/* The same of the vectors in turn, as many as are computed at once. */
static size_t together_golden(uint8_t *scratch)
{
    static uint8_t inputs[SAMPLES * MODEL_INPUT_SIZE];
    static model_output outputs[SAMPLES * MODEL_OUTPUT_SIZE];
    for (size_t k = 0; k < sizeof inputs; k++) {
        inputs[k] = model_golden_inputs[k % (MODEL_GOLDEN_COUNT * MODEL_INPUT_SIZE)];
    }
    together_run(inputs, outputs, scratch);
    for (size_t k = 0; k < SAMPLES * MODEL_OUTPUT_SIZE; k++) {
        const size_t at = k % (MODEL_GOLDEN_COUNT * MODEL_OUTPUT_SIZE);
        if (outputs[k] != model_golden_outputs[at]) {
            return at / MODEL_OUTPUT_SIZE + 1;
        }
    }
    return 0;
}
#endif

/* The number of the first vector whose output differs, counted from 1; 0 where none does. */
size_t model_golden(uint8_t *scratch)
{
    static model_output output[MODEL_OUTPUT_SIZE]; /* of a segmentation too large for a stack */
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        MODEL_GOLDEN_RUN(model_golden_inputs + i * MODEL_INPUT_SIZE, output, scratch);
        for (size_t k = 0; k < MODEL_OUTPUT_SIZE; k++) {
            if (output[k] != model_golden_outputs[i * MODEL_OUTPUT_SIZE + k]) {
                return i + 1;
            }
        }
    }
#if SAMPLES > 1
    return together_golden(scratch);
#else
    return 0;
#endif
}
