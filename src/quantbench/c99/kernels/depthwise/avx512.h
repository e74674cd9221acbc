typedef __m512i model_quads_512;
typedef __m512i model_taps_512;

static inline __m512i model_quads_of_512(__m512i bytes)
{
    return bytes;
}

static inline __m512i model_load_taps_512(const int8_t *from)
{
    return model_load_bytes_512(from);
}

static inline __m512i model_quad_product_512(__m512i sum, __m512i quads, __m512i taps)
{
    return _mm512_dpbusd_epi32(sum, quads, taps);
}

/* The bytes of a row from `begin` on; `outside` where the row, of `size` bytes, has none. */
static inline __m512i model_row_512(const uint8_t *row, int begin, int size, int outside)
{
    const int from = begin < 0 ? -begin : 0, to = size - begin < 64 ? size - begin : 64;
    if (from >= to) {
        return model_splat_512(outside);
    }
    const __mmask64 inside = (~(__mmask64)0 << from) & (~(__mmask64)0 >> (64 - to));
    const __m512i loaded = _mm512_maskz_loadu_epi8(inside, row + begin);
    return _mm512_mask_blend_epi8(inside, model_splat_512(outside), loaded);
}

/* The first `count` bytes, 1 to 64. */
static inline __m512i model_first_512(const uint8_t *from, size_t count)
{
    return _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (64 - count), from);
}

static inline void model_store_first_512(uint8_t *to, __m512i bytes, size_t count)
{
    _mm512_mask_storeu_epi8(to, ~(__mmask64)0 >> (64 - count), bytes);
}

/* Every other pixel of 128 bytes, of 8, 16 or 32 channels. */
static inline __m512i model_even_512(__m512i low, __m512i high, int channels)
{
    const __m512i by_8 = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i by_16 = _mm512_set_epi64(13, 12, 9, 8, 5, 4, 1, 0);
    const __m512i by_32 = _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0);
    const __m512i order = channels == 8 ? by_8 : channels == 16 ? by_16 : by_32;
    return _mm512_permutex2var_epi64(low, order, high);
}

/* Quads that begin so many bytes, a multiple of 8, behind the begin of `low`. */
static inline __m512i model_behind_512(__m512i low, __m512i high, int bytes)
{
    const __m512i places = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i order = _mm512_add_epi64(places, _mm512_set1_epi64(bytes / 8));
    return _mm512_permutex2var_epi64(low, order, high);
}
