/* Outputs go together in blocks, see together(); of each the weights lie as [input][lane]. */
typedef struct {
    const float *weights, *bias;
    limits clamp;
    int32_t inputs, outputs;
} dense_layer;

static void dense(const dense_layer *l, const float *in, float *out)
{
    const float *weights = l->weights;
    int32_t lanes = 0;
    for (int32_t o = 0; o < l->outputs; o += lanes) {
        lanes = together(l->outputs - o);
        memcpy(out + o, l->bias + o, (size_t)lanes * sizeof *out);
        products(out + o, in, weights, l->inputs, lanes);
        weights += (ptrdiff_t)l->inputs * lanes;
    }
    clamp(&l->clamp, out, l->outputs);
}
