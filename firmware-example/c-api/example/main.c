/* A program that classifies ten digits with libkindling.a: at once, step by step, and row by row;
   and that runs a stream. */

#include "board.h"
#include "kindling.h"
#include "misuse.h"

/* From data.s: the model, the images and their labels, and a model that is planned for streams. */
extern const uint8_t model[], model_end[], images[], labels[], stream[], stream_end[];

/* `trainer inspect` lists layers and working memory; kindling_info tells the latter, too. */
static int8_t arena[9408] __attribute__((aligned(16)));
static uint8_t memory[KINDLING_HANDLE_BYTES(6)] __attribute__((aligned(16)));
static uint8_t stream_memory[KINDLING_STREAM_HANDLE_BYTES(15)] __attribute__((aligned(16)));

/* Ends the program unless a call did what was asked. */
static void must(KindlingStatus status) {
    if (status != KINDLING_STATUS_OK) {
        print("C: status ", status, ": ");
        end(kindling_status_text(status), 0);
    }
}

static void must_be(bool is_right, const char *problem) {
    if (!is_right) end(problem, 0);
}

/* Loads a model, and says how many instructions that takes. */
static KindlingHandle *loaded(void *to, size_t to_bytes, const uint8_t *file,
                              const uint8_t *file_end) {
    KindlingHandle *handle;
    uint32_t before = now();
    must(kindling_load(to, to_bytes, file, (size_t)(file_end - file), &handle, NULL));
    print("C: loading takes ", instructions_since(before), " instructions\n");
    return handle;
}

/* The scores of an image by a run at once, and its class. */
static size_t at_once(KindlingHandle *handle, const uint8_t *image, size_t bytes, int8_t *scores) {
    size_t best;
    must(kindling_run_u8(handle, arena, sizeof arena, image, bytes));
    must(kindling_scores(handle, 0, scores, 10, &best));
    return best;
}

/* The same step by step: whatever else there is to do comes between two steps. */
static size_t by_steps(KindlingHandle *handle, const uint8_t *image, size_t bytes, int8_t *scores) {
    size_t best;
    bool more = true;
    must(kindling_begin_u8(handle, arena, sizeof arena, image, bytes));
    must_be(kindling_finish(handle) == KINDLING_STATUS_NOT_FINISHED, "C: a run ended early\n");
    while (more) must(kindling_step(handle, &more));
    must(kindling_finish(handle));
    must(kindling_scores(handle, 0, scores, 10, &best));
    return best;
}

/* The same row by row: the image need not be in memory. */
static size_t by_rows(KindlingHandle *handle, const uint8_t *image, const KindlingInfo *info,
                      int8_t *scores) {
    size_t best;
    must(kindling_begin_rows(handle, arena, sizeof arena));
    for (size_t row = 0; row < info->rows; row++)
        must(kindling_push_row_u8(handle, image + row * info->row_values, info->row_values));
    must(kindling_finish(handle));
    must(kindling_scores(handle, 0, scores, 10, &best));
    return best;
}

static void digits(void) {
    KindlingInfo info;
    size_t handle_bytes, arena_bytes;
    must(kindling_needs(model, (size_t)(model_end - model), &handle_bytes, &arena_bytes));
    must_be(handle_bytes <= sizeof memory && arena_bytes == sizeof arena,
            "C: kindling_needs is wrong\n");
    KindlingHandle *handle = loaded(memory, handle_bytes, model, model_end);
    must(kindling_info(handle, &info));
    must_be(info.arena_bytes == sizeof arena && info.output_values == 10 && info.layers == 6 &&
                info.takes == KINDLING_INPUT_U8 && info.gives == KINDLING_OUTPUT_SCORES,
            "C: kindling_info is wrong\n");
    for (size_t index = 0; index < 10; index++) {
        int8_t scores[10], others[10];
        float probabilities[10], sum = 0;
        const uint8_t *image = images + index * info.input_values;
        uint32_t before = now();
        size_t class_of_image = at_once(handle, image, info.input_values, scores);
        if (index < 2) print("C: a run takes ", instructions_since(before), " instructions\n");
        must_be(class_of_image == labels[index], "C: wrong class\n");
        must(kindling_probabilities(handle, 0, probabilities, 10));
        for (size_t at = 0; at < 10; at++) sum += probabilities[at];
        must_be(sum > 0.999f && sum < 1.001f, "C: wrong probabilities\n");
        must_be(by_steps(handle, image, info.input_values, others) == class_of_image,
                "C: steps give another class\n");
        must_be(same(scores, others, 10), "C: steps give other scores\n");
        must_be(by_rows(handle, image, &info, others) == class_of_image,
                "C: rows give another class\n");
        must_be(same(scores, others, 10), "C: rows give other scores\n");
    }
}

/* Its window has 128 rows, so the last three of 130 complete an output each. */
static void samples(void) {
    size_t outputs = 0, best;
    int8_t scores[4];
    KindlingHandle *handle = loaded(stream_memory, sizeof stream_memory, stream, stream_end);
    must(kindling_begin_stream(handle, arena, sizeof arena));
    for (size_t row = 0; row < 130; row++) {
        bool has_output;
        must(kindling_push_u8(handle, images + row * 6, 6, &has_output));
        if (!has_output) continue;
        outputs++;
        must(kindling_scores(handle, 0, scores, sizeof scores, &best));
    }
    must_be(outputs == 3, "C: wrong number of outputs\n");
    /* The last of them is what a run on the 128 rows until then gives. */
    int8_t again[4];
    must(kindling_run_u8(handle, arena, sizeof arena, images + 2 * 6, 128 * 6));
    must(kindling_scores(handle, 0, again, sizeof again, NULL));
    must_be(same(scores, again, 4), "C: the stream gives other scores\n");
}

void program(void) {
    digits();
    samples();
    misuse();
    end("C: 10 of 10 right\n", 1);
}
