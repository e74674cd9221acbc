/* Each byte becomes the word that its channel's table of 256 has for it. Channels lie innermost; one
   table is for all where `channels` is 1. */
static void model_lookup_words(const int32_t *tables, const uint8_t *in, void *out, int32_t places,
                               int32_t channels)
{
    char *to = out;
    for (int32_t p = 0; p < places; p++) {
        for (int32_t c = 0; c < channels; c++, to += sizeof(int32_t)) {
            model_set_word(to, tables[c * 256 + *in++]);
        }
    }
}
