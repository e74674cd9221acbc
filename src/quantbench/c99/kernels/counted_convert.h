/* The functions of convert.c, between the two ends of layer_clock.h's counters. */
#undef model_batch
#undef model_image
void model_begin(void);
void model_end(void);
void model_batch(const batch *given);
void model_image(const float *image, const batch *given);

void model_batch(const batch *given)
{
    model_begin();
    uncounted_batch(given);
    model_end();
}

void model_image(const float *image, const batch *given)
{
    model_begin();
    uncounted_image(image, given);
    model_end();
}
