/* The ends of a network for a page: fixed places for input and output, and a call without
   arguments. Of the C library the network needs these two functions alone. */
#include "model.h"

#include <string.h>

static uint8_t input[MODEL_INPUT_SIZE];
static model_output output[MODEL_OUTPUT_SIZE];
static uint8_t scratch[MODEL_SCRATCH + 1];

uint8_t *page_input(void);
model_output *page_output(void);
void page_run(void);

__attribute__((export_name("input"))) uint8_t *page_input(void)
{
    return input;
}

__attribute__((export_name("output"))) model_output *page_output(void)
{
    return output;
}

__attribute__((export_name("run"))) void page_run(void)
{
    model_run(input, output, scratch);
}

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    }
    return to;
}

void *memset(void *to, int value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((unsigned char *)to)[i] = (unsigned char)value;
    }
    return to;
}
