/* Beside a network of several inputs or outputs: any number of samples, each of whose numbers lie
   behind one another. Not part of the delivered model. */
void model_several(const NUMBER *inputs, ANSWER *outputs, size_t count, NUMBER *scratch);

void model_several(const NUMBER *inputs, ANSWER *outputs, size_t count, NUMBER *scratch)
{
    for (size_t i = 0; i < count; i++) {
        MODEL_GOLDEN_RUN(inputs + i * MODEL_INPUT_SIZE, outputs + i * MODEL_OUTPUT_SIZE, scratch);
    }
}
