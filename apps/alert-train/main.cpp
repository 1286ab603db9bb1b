// alert-train: trains the networks of a network file, all stages of a nested one together, and writes the
// weights, a log, and the accuracy measured with them.
#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <vector>

#include "base/console.h"
#include "base/error.h"
#include "base/program.h"
#include "commands.h"
#include "models/inference_runtime.h"

namespace alertbench {
namespace {

constexpr const char *image_group = "Images", *language_group = "Language models",
                     *text_group = "Language models and questions", *question_group = "Questions";

void add_options(CLI::App& app, Options& o) {
  app.add_option("NETWORKS", o.network_file, "network file (networks/*.json)")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--network", o.network, "name of a network in that file")->required();
  app.add_option("--data", o.data,
                 "folder with the data: Fashion-MNIST (default: Debian's); ptb.train.txt and ptb.valid.txt "
                 "(\"synthetic\": synthetic text); or dev-v1.1.json, vocab.txt and, if you have it, "
                 "train-v1.1.json of SQuAD");
  app.add_option("--method", o.method, "how the stages of a nested network share a training step")
      ->capture_default_str()
      ->check(CLI::IsMember({"joint", "balanced", "orthogonalized"}));
  app.add_option(
         "--epochs", o.epochs,
         "passes over the training set; 0 only measures and stores (images 3, language 13, questions 3)")
      ->check(CLI::Range(0, 1000));
  app.add_option("--stop-after", o.stop_after, "stop after this many epochs of the schedule (0: all of them)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app.add_option("--init", o.init,
                 "start from these weights instead of random ones; for questions a state dictionary of a "
                 "BERT, whose word embeddings stay as they are")
      ->check(CLI::ExistingFile);
  app.add_option(
         "--batch", o.batch,
         "images or windows per step, or texts read in parallel (images 32, language 20, questions 16)")
      ->check(CLI::Range(2, 4096));
  app.add_option("--lr", o.learning_rate, "peak learning rate (images 0.05, language 1, questions 0.0001)")
      ->check(CLI::Range(1e-6, 100.0));
  app.add_option("--weight-decay", o.weight_decay, "weight decay (images 0.0005, language 0, questions 0.01)")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", o.seed, "with one thread, the same seed gives the same weights")
      ->capture_default_str();
  app.add_option("--threads", o.threads)->capture_default_str()->check(CLI::Range(1, 256));
  app.add_option_function<std::string>(
         "--precision", [&o](const std::string& name) { o.precision = precision_of(name); },
         "numbers that are multiplied: float32, or rounded to bfloat16, which is faster on "
         "processors with AMX or AVX512-BF16 (language models: LibTorch 2 and later)")
      ->default_str("float32")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  app.add_option("--limit", o.limit,
                 "train each epoch on this many images or windows of questions, drawn again each time, or on "
                 "the first N words (0: all)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000000));
  app.add_option("--checkpoint-every", o.checkpoint_every,
                 "steps between checkpoints; a training that was killed continues from the last one when the "
                 "same command is run again (0: none)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000000));
  const std::string images = image_group, language = language_group, texts = text_group,
                    questions = question_group;
  app.add_option("--coarse-epochs", o.coarse_epochs,
                 "number of first epochs at half the resolution (4 times faster)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000))
      ->group(images);
  CLI::Option* teacher =
      app.add_option("--teacher", o.teacher,
                     "name of a trained network in the same file, from whose scores this one learns as well")
          ->group(images);
  app.add_option("--temperature", o.distillation.temperature,
                 "divides the scores of teacher and network before they are compared")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 100.0))
      ->needs(teacher)
      ->group(images);
  app.add_option("--teacher-weight", o.distillation.weight, "weight of the teacher; the labels have the rest")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->needs(teacher)
      ->group(images);
  app.add_option("--steps", o.steps, "number of words that gradients reach back")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000))
      ->group(language);
  app.add_option("--lr-decay", o.decay, "factor of the learning rate from epoch to epoch")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1.0))
      ->group(language);
  app.add_option("--decay-after", o.decay_after, "epochs before the learning rate decays")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000))
      ->group(language);
  app.add_option(
         "--max-norm", o.max_norm,
         "limit of the gradient norm; longer gradients are scaled down to it (language 5, questions 1)")
      ->check(CLI::Range(1e-3, 1e9))
      ->group(texts);
  app.add_option("--dropout", o.dropout, "probability that a number is dropped (language 0, questions 0.1)")
      ->check(CLI::Range(0.0, 0.95))
      ->group(texts);
  CLI::Option* sampled =
      app.add_option("--sampled-epochs", o.sampled_epochs,
                     "number of first epochs that estimate the softmax from a sample of the words")
          ->capture_default_str()
          ->check(CLI::Range(0, 1000))
          ->group(language);
  app.add_option("--sampled-words", o.sampled_words,
                 "words of a sample, on average, besides those that come next in the text")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000))
      ->needs(sampled)
      ->group(language);
  app.add_option("--momentum", o.momentum)
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.999))
      ->group(language);
  app.add_option(
         "--test-articles", o.test_articles,
         "without train-v1.1.json: test on this many last articles of dev-v1.1.json, train on the others "
         "(8)")
      ->check(CLI::Range(1, 1000000))
      ->group(questions);
}

// `groups`: those that apply besides "Options".
void refuse_foreign_options(const CLI::App& app, const std::vector<std::string>& groups,
                            const NetworkSpec& network) {
  const std::vector<std::string> all = {image_group, language_group, text_group, question_group};
  const auto is_in = [](const std::vector<std::string>& list, const std::string& group) {
    return std::find(list.begin(), list.end(), group) != list.end();
  };
  for (const CLI::Option* option : app.get_options())
    if (option->count() > 0 && is_in(all, option->get_group()) && !is_in(groups, option->get_group()))
      throw InputError(fmt::format("{}: does not apply to network \"{}\" of architecture \"{}\"",
                                   option->get_name(), network.name, network.architecture));
}

int main_of_train(int argc, char** argv) {
  Options o;
  CLI::App app(
      "alert-train trains the networks that alert-bench runs.\n\n"
      "Examples: alert-train networks/fashion-mnist.json --network resnet-w16 --seed 1\n"
      "          alert-train networks/ptb.json --network nested-lstm --data ptb --method orthogonalized\n"
      "          alert-train my/squad.json --network minilm-exits --data squad --init model.safetensors\n");
  add_options(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream out, err;
    const int code = app.exit(e, out, err);
    print_text(out.str());
    say_text(err.str());
    return code == 0 ? 0 : static_cast<int>(ExitCode::bad_input);
  }
  restart_with_fast_blas(argv);
  // The scores of a step are 16 MB, again and again: kept, not given back to the system and cleared each
  // time.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  o.command = "alert-train";
  for (int i = 1; i < argc; ++i) o.command += std::string(" ") + argv[i];

  const NetworkFile file = NetworkFile::read(o.network_file, false);
  const NetworkSpec& network = file.find(o.network);
  const bool images = file.workload == "fashion-mnist" && network.architecture == "resnet";
  const bool language = file.workload == "ptb" && network.architecture == "lstm";
  const bool questions = file.workload == "squad" && network.architecture == "bert";
  if ((!images && !language && !questions) || network.weights.empty())
    throw InputError(fmt::format(
        "{}: {}: can be trained only with workload \"fashion-mnist\" and architecture \"resnet\", \"ptb\" "
        "and \"lstm\", or \"squad\" and \"bert\", and a \"weights\" path to write to",
        o.network_file, o.network));
  if (images) {
    refuse_foreign_options(app, {image_group}, network);
    train_images(o, file, network);
  } else if (language) {
    refuse_foreign_options(app, {language_group, text_group}, network);
    train_language(o, network);
  } else {
    refuse_foreign_options(app, {text_group, question_group}, network);
    train_questions(o, network);
  }
  return 0;
}

}  // namespace
}  // namespace alertbench

int main(int argc, char** argv) {
  return alertbench::run_program("alert-train", [&] { return alertbench::main_of_train(argc, argv); });
}
