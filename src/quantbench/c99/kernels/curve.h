/* What a table gives for the nearest place of its grid: round(word * m * 2**-shift) - first, cut to
   [0, last]. `begin` is 2**(shift - 1) - first * 2**shift, and 2**63, which makes the sum
   positive. Channels lie innermost; m_step is 0 where one multiplier is for all. */
static void MODEL_CURVE_NAME(const MODEL_CURVE_ENTRY *table, int32_t last, const void *in,
                             void *out, const int32_t *m, int32_t m_step, int32_t places,
                             int32_t channels, uint64_t begin, unsigned shift)
{
    const int64_t origin = (int64_t)((uint64_t)1 << (63U - shift));
    const char *from = in;
    char *to = out;
    for (int32_t p = 0; p < places; p++) {
        for (int32_t c = 0; c < channels; c++) {
            const int64_t product = (int64_t)model_word(from) * m[c * m_step];
            const int64_t at = (int64_t)(((uint64_t)product + begin) >> shift) - origin;
            MODEL_CURVE_SET(to, table[at < 0 ? 0 : at > last ? last : at]);
            from += sizeof(int32_t);
            to += sizeof(MODEL_CURVE_ENTRY);
        }
    }
}
