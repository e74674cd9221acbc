/* Writes an integer of 32 bits to memory of bytes, of any alignment. */
static void model_set_word(void *at, int32_t word)
{
    memcpy(at, &word, sizeof word);
}
