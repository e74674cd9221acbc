/* Every other pixel of 64 bytes, of 8 or 16 channels. */
static inline __m256i model_even_256(__m256i low, __m256i high, int channels)
{
    if (channels == 16) {
        return _mm256_permute2x128_si256(low, high, 0x20);
    }
    return _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(low, high), 0xD8);
}

/* Quads that begin 16 bytes behind the begin of `low`. */
static inline __m256i model_behind_256(__m256i low, __m256i high, int bytes)
{
    (void)bytes;
    return _mm256_permute2x128_si256(low, high, 0x21);
}
