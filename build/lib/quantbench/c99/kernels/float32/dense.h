/* Outputs go together in blocks, see model_together(); of each the weights lie as [input][lane]. */
typedef struct {
    const float *weights, *bias;
    model_limits clamp;
    int32_t inputs, outputs;
} model_dense_layer;

static void model_dense(const model_dense_layer *l, const float *in, float *out)
{
    const float *weights = l->weights;
    int32_t lanes = 0;
    for (int32_t o = 0; o < l->outputs; o += lanes) {
        lanes = model_together(l->outputs - o);
        memcpy(out + o, l->bias + o, (size_t)lanes * sizeof *out);
        model_products(out + o, in, weights, l->inputs, lanes);
        weights += (ptrdiff_t)l->inputs * lanes;
    }
    model_clamp(&l->clamp, out, l->outputs);
}
