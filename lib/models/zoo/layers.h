// A feed-forward image network as data: a graph of operations, written from the image to the scores.
// Counting, naming and checking need nothing else; lib/models/layer_network.h runs it. Needs no LibTorch.
//
// Images are square, values are channels x size x size. A window of `kernel` moves by `stride` over its
// input, which is extended on all four sides, and the output size is floor((extended size - kernel) / stride)
// + 1.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace alertbench::zoo {

enum class Activation { none, relu, relu6 };  // x, max(x, 0), min(max(x, 0), 6)

// The zeros that extend an image: `before`, the rows above it and the columns to its left, and `after`, those
// below and to its right. A negative number cuts as many off.
struct Padding {
  int before = 0, after = 0;
};
inline Padding around(int zeros) { return {zeros, zeros}; }
// Returns the padding with which a window gives ceil(size / stride) outputs a side, as TensorFlow's "same"
// divides it: the odd one comes after.
Padding same_padding(int size, int kernel, int stride);

// Scale and shift of each channel, by its name. A convolution may use only a part of those of `channels`
// channels, from `first` on, when several whose outputs are concatenated share one. 0: as many as it needs.
struct BatchNorm {
  std::string name;
  int first = 0, channels = 0;
};

// Convolution, then batch norm (if it has a name), then the activation.
struct Convolution {
  std::string name;  // of its entry in the state dictionary: "layer1.0.conv1"
  int out = 0;       // channels
  int kernel = 1, stride = 1;
  Padding padding;
  bool depthwise = false;  // one filter for each channel, so that `out` is the number of its input's
  bool bias = false;
  BatchNorm norm;
  Activation activation = Activation::none;
};
// Return convolutions with an odd kernel, with batch norm and without bias, padded alike on all sides so that
// stride 1 keeps the size.
Convolution same_conv(const std::string& name, const std::string& norm, int out, int kernel, int stride,
                      Activation activation);
Convolution same_depthwise(const std::string& name, const std::string& norm, int channels, int kernel,
                           int stride, Activation activation);

struct MaxPool {
  int kernel = 2, stride = 2, padding = 0;  // on all sides; never the largest
  bool ceil = false;                        // a last window that extends over the edge also counts
};
// The mean of those numbers of a window that lie inside the image.
struct AveragePool {
  int kernel = 2, stride = 2, padding = 0;
  bool ceil = false;
};
// Average pooling to size x size, whatever the input's size is (1: global).
struct AdaptivePool {
  int size = 1;
};
// Reads its input as one vector, channel after channel.
struct Linear {
  std::string name;
  int out = 0;
  Activation activation = Activation::none;
};
struct Relu {};
struct Add {  // any number of values of the same shape
  Activation activation = Activation::none;
};
struct Concatenate {};  // values of the same size, along the channels
struct Input {};        // the image
using Operation =
    std::variant<Input, Convolution, MaxPool, AveragePool, AdaptivePool, Linear, Relu, Add, Concatenate>;

using Value = int;  // what a node gives, by the node's number

struct Shape {
  int channels = 0, size = 0;
};

struct Node {
  Operation operation;
  std::vector<Value> inputs;  // of nodes before it; one, but for Input, Add and Concatenate
  Shape shape;                // of what it gives
};

class Architecture {
 public:
  // Begins with a single node, the image. `norm_epsilon` is what all batch norms add to their variance.
  Architecture(int channels, int input_size, int classes, double norm_epsilon = 1e-5);

  // Appends a node, and returns its value. InputError if the operation does not accept such values: because
  // their shapes do not fit each other, or because the image is too small.
  Value add(Operation operation, std::vector<Value> inputs);
  Value relu(Value x);  // the same node again if there is one
  // All nodes since the last end are one block: behind it a run may stop.
  void end_block();
  // Ends the last block. InputError unless the last node gives one number for each class.
  void finish();

  int channels() const { return nodes_[0].shape.channels; }
  int input_size() const { return nodes_[0].shape.size; }
  int classes() const { return classes_; }
  double norm_epsilon() const { return norm_epsilon_; }
  static Value image() { return 0; }
  // In the order in which they run, the image first.
  const std::vector<Node>& nodes() const { return nodes_; }
  Shape shape(Value v) const { return nodes_.at(static_cast<size_t>(v)).shape; }
  // For each block the number of the node behind its last one. The image belongs to the first block.
  const std::vector<size_t>& block_ends() const { return block_ends_; }

 private:
  int classes_;
  double norm_epsilon_;
  std::vector<Node> nodes_;
  std::vector<size_t> block_ends_;
};

struct StateEntry {
  std::string name;
  std::vector<int64_t> shape;
  bool trained = true;  // false: running mean and variance
  int64_t numbers() const;
};
// Return the tensors of the state dictionary under PyTorch's names, without `num_batches_tracked`. A batch
// norm of several convolutions belongs to the one with its last channels.
std::vector<StateEntry> state_entries(const Architecture& net, const Node& node);
std::vector<StateEntry> state_dictionary(const Architecture& net);

// Count weights, biases, and scale and shift of batch norms.
int64_t parameters(const Architecture& net, const Node& node);
int64_t parameters(const Architecture& net);
// Count the operations of convolutions and linear layers for one image, without biases, pooling and additions
// (what torchvision calls GFLOPS). Batch norm costs nothing, because it is folded into the convolution.
int64_t multiply_accumulates(const Architecture& net, const Node& node);
int64_t multiply_accumulates(const Architecture& net);

}  // namespace alertbench::zoo
