/* As many numbers as there are lanes, from and to memory of any alignment. */
static inline MODEL_REGISTER MODEL_V(from_bytes)(const void *from)
{
    return MODEL_MM(cvtepu8_epi32)(MODEL_LOAD_QUARTER((const __m128i *)from));
}

static inline MODEL_REGISTER MODEL_V(from_words)(const void *from)
{
    MODEL_REGISTER words;
    memcpy(&words, from, sizeof words);
    return words;
}

/* Numbers that a byte holds. */
static inline void MODEL_V(set_bytes)(void *to, MODEL_REGISTER numbers)
{
    model_store_bytes(to, MODEL_V(bytes)(numbers, 0, 255), sizeof(MODEL_REGISTER) / 4);
}

static inline void MODEL_V(set_words)(void *to, MODEL_REGISTER numbers)
{
    memcpy(to, &numbers, sizeof numbers);
}

/* The entries of a table at some places, to memory of any alignment. Three bytes behind the last are
   read, too. */
static inline void MODEL_V(look_up_bytes)(void *to, const uint8_t *table, MODEL_REGISTER places)
{
    const MODEL_REGISTER found = MODEL_GATHER((const int *)(const void *)table, places, 1);
    MODEL_V(set_bytes)(to, MODEL_AND(found, MODEL_MM(set1_epi32)(255)));
}

static inline void MODEL_V(look_up_words)(void *to, const int32_t *table, MODEL_REGISTER places)
{
    MODEL_V(set_words)(to, MODEL_GATHER(table, places, 4));
}
