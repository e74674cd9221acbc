static void model_add(const model_limits *l, const float *a, const float *b, float *out,
                      ptrdiff_t count)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        out[k] = a[k] + b[k];
    }
    model_clamp(l, out, count);
}
