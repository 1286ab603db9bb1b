// A feed-forward image network as data: a list of blocks, each with a few layers. Counting, naming and
// checking need nothing else; lib/models/layer_network.h runs it. Needs no LibTorch.
//
// Images are square, activations are channels x size x size. The convention of PyTorch holds everywhere: a
// window of `kernel` moves by `stride` over the input, which is extended by `padding` on all four sides, and
// the output size is floor((size + 2 padding - kernel) / stride) + 1.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace alertbench::zoo {

enum class Activation { none, relu, relu6 };  // x, max(x, 0), min(max(x, 0), 6)

inline constexpr double batch_norm_epsilon = 1e-5;

// Convolution, then batch norm (if it has a name), then the activation.
struct Convolution {
  std::string name;  // of its entry in the state dictionary: "layer1.0.conv1"
  int in = 0, out = 0;
  int kernel = 1, stride = 1, padding = 0;
  int groups = 1;  // in = out = groups: depthwise
  bool bias = false;
  std::string norm;
  Activation activation = Activation::none;
};
// Returns a convolution with an odd kernel, with batch norm and without bias, padded so that stride 1 keeps
// the size.
Convolution same_conv(const std::string& name, const std::string& norm, int in, int out, int kernel,
                      int stride, Activation activation, int groups = 1);

struct MaxPool {
  int kernel = 2, stride = 2, padding = 0;
  bool ceil = false;  // a last window that extends over the edge also counts
};
// Average pooling to size x size, whatever the input's size is (1: global).
struct AveragePool {
  int size = 1;
};
// Reads its input as one vector, channel after channel.
struct Linear {
  std::string name;
  int in = 0, out = 0;
  Activation activation = Activation::none;
};
using Layer = std::variant<Convolution, MaxPool, AveragePool, Linear>;

enum class Join { none, add, concatenate };  // concatenate: along the channels

// `layers` run first. With a join, every branch then starts from their output; an empty branch is the
// identity. The first branch of a sum must not be empty.
struct Block {
  std::vector<Layer> layers;
  Join join = Join::none;
  std::vector<std::vector<Layer>> branches{};
  Activation activation = Activation::none;  // after the join
};

struct Architecture {
  int channels = 3;
  int input_size = 224;
  int classes = 1000;
  std::vector<Block> blocks;
};

struct Shape {
  int channels = 0, size = 0;
};

// Returns the shape of the layer's output. InputError if the layer does not accept this input because of its
// number of channels or because the image is too small.
Shape output_shape(const Layer& layer, const Shape& in);
// Calls `visit` for every layer with the shape of its input, in the order in which they run. InputError if
// the blocks are not as described above, do not fit each other, or if the last one does not give `classes`
// scores.
void for_each_layer(const Architecture& net, const std::function<void(const Layer&, const Shape& in)>& visit);

struct StateEntry {
  std::string name;
  std::vector<int64_t> shape;
  bool trained = true;  // false: running mean and variance
  int64_t numbers() const;
};
// Return the tensors of the state dictionary of the layer or network under PyTorch's names, without
// `num_batches_tracked`.
std::vector<StateEntry> state_entries(const Layer& layer);
std::vector<StateEntry> state_dictionary(const Architecture& net);

// Counts weights, biases, and scale and shift of batch norms.
int64_t parameters(const Architecture& net);
// Counts the operations of convolutions and linear layers for one image, without biases, pooling and
// additions (what torchvision calls GFLOPS). Batch norm costs nothing, because it is folded into the
// convolution.
int64_t multiply_accumulates(const Architecture& net);

}  // namespace alertbench::zoo
