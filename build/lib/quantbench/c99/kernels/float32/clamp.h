/* ReLU and Clip; a limit that isn't `on` is none. NaN stays NaN. */
typedef struct {
    float low, high;
    uint8_t low_on, high_on;
} model_limits;

static void model_clamp(const model_limits *l, float *values, ptrdiff_t count)
{
    if (l->low_on != 0) {
        const float low = l->low;
        for (ptrdiff_t k = 0; k < count; k++) {
            values[k] = values[k] < low ? low : values[k];
        }
    }
    if (l->high_on != 0) {
        const float high = l->high;
        for (ptrdiff_t k = 0; k < count; k++) {
            values[k] = values[k] > high ? high : values[k];
        }
    }
}
