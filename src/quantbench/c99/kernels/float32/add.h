static void add(const limits *l, const float *a, const float *b, float *out, ptrdiff_t count)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        out[k] = a[k] + b[k];
    }
    clamp(l, out, count);
}
