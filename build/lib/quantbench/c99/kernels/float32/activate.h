static void model_activate(const model_limits *l, const float *in, float *out, ptrdiff_t count)
{
    memcpy(out, in, (size_t)count * sizeof *out);
    model_clamp(l, out, count);
}
