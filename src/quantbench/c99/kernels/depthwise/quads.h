/* Depthwise convolutions: this text stands once for each width of registers. A quad is four taps of
   one channel in 32 bits. MODEL_MM names an intrinsic, MODEL_V a function of that width. */
static inline MODEL_REGISTER MODEL_V(load_bytes)(const void *from)
{
    MODEL_REGISTER result;
    memcpy(&result, from, sizeof result);
    return result;
}

static inline void MODEL_V(store)(void *to, MODEL_REGISTER bytes)
{
    memcpy(to, &bytes, sizeof bytes);
}

static inline MODEL_REGISTER MODEL_V(splat)(int byte)
{
    return MODEL_MM(set1_epi8)((char)byte);
}

/* Quads of four registers of taps, as four planes. Within each 16 bytes the first plane takes those
   of the first four bytes, and so on: packs bring them together again. */
typedef struct {
    MODEL_REGISTER plane[4];
} MODEL_V(planes);

static inline MODEL_V(planes) MODEL_V(interleaved)(MODEL_REGISTER a, MODEL_REGISTER b,
                                                   MODEL_REGISTER c, MODEL_REGISTER d)
{
    const MODEL_REGISTER ab_low = MODEL_MM(unpacklo_epi8)(a, b);
    const MODEL_REGISTER ab_high = MODEL_MM(unpackhi_epi8)(a, b);
    const MODEL_REGISTER cd_low = MODEL_MM(unpacklo_epi8)(c, d);
    const MODEL_REGISTER cd_high = MODEL_MM(unpackhi_epi8)(c, d);
    MODEL_V(planes) planes;
    planes.plane[0] = MODEL_MM(unpacklo_epi16)(ab_low, cd_low);
    planes.plane[1] = MODEL_MM(unpackhi_epi16)(ab_low, cd_low);
    planes.plane[2] = MODEL_MM(unpacklo_epi16)(ab_high, cd_high);
    planes.plane[3] = MODEL_MM(unpackhi_epi16)(ab_high, cd_high);
    return planes;
}

static inline void MODEL_V(store_planes)(uint8_t *to, size_t step, MODEL_V(planes) planes)
{
    for (size_t k = 0; k < 4; k++) {
        MODEL_V(store)(to + k * step, planes.plane[k]);
    }
}

/* Lanes of 32 bits as 16, limited to what those hold; the same for two of these as bytes. */
static inline MODEL_REGISTER MODEL_V(halved)(MODEL_REGISTER a, MODEL_REGISTER b)
{
    return MODEL_MM(packs_epi32)(a, b);
}

static inline MODEL_REGISTER MODEL_V(quartered)(MODEL_REGISTER a, MODEL_REGISTER b, int q_min,
                                                int q_max)
{
    MODEL_REGISTER bytes = MODEL_MM(packus_epi16)(a, b);
    if (q_min > 0) {
        bytes = MODEL_MM(max_epu8)(bytes, MODEL_V(splat)(q_min));
    }
    if (q_max < 255) {
        bytes = MODEL_MM(min_epu8)(bytes, MODEL_V(splat)(q_max));
    }
    return bytes;
}

/* `count` pixels of a row, `step` apart from `first` on; `outside` where the row has none. */
static inline MODEL_REGISTER MODEL_V(pixels)(const uint8_t *row, int first, int step, int count,
                                             int width, int channels, int outside)
{
    uint8_t bytes[sizeof(MODEL_REGISTER)];
    memset(bytes, outside, sizeof bytes);
    for (int k = 0; k < count; k++) {
        const int x = first + k * step;
        if (x >= 0 && x < width) {
            memcpy(bytes + k * channels, row + (ptrdiff_t)x * channels, (size_t)channels);
        }
    }
    return MODEL_V(load_bytes)(bytes);
}
