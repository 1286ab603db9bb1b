// The families of image networks: each function returns one member for square images of `input_size` and
// `classes` classes. Layers and their names are those of torchvision, so its state dictionaries can be
// loaded; MobileNetV1, which torchvision lacks, uses similar names, and others those of the checkpoints that
// are public. Needs no LibTorch.
#pragma once

#include "models/zoo/layers.h"

namespace alertbench::zoo {

// He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016. 18, 34, 50, 101 or 152
// layers; in bottleneck blocks the 3x3 convolution has the stride (torchvision's variant, "v1.5").
Architecture resnet(int depth, int input_size, int classes);

// Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
// configuration D. Its 7x7 features are pooled adaptively, so any input size of at least 32 works.
Architecture vgg16(bool batch_norm, int input_size, int classes);

// Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017.
// Names: conv1, bn1, block1.depthwise, block1.bn1, block1.pointwise, block1.bn2, ..., fc. Padding is
// symmetric (TensorFlow's is not at stride 2).
Architecture mobilenet_v1(double width, int input_size, int classes);

// Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018. Widths are rounded to
// multiples of 8; the last convolution never has fewer than 1280 channels.
Architecture mobilenet_v2(double width, int input_size, int classes);
// Its rule: to a multiple of 8, but never more than a tenth down.
int rounded_channels(double channels);

// Google, "EfficientNet-Lite", 2020, after Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional
// Neural Networks", ICML 2019: without squeeze-and-excitation, with ReLU6, and with a stem and a head that do
// not grow. `number` 0 to 4. Padding as in TensorFlow. Names: those of the Python package
// efficientnet-lite-pytorch.
Architecture efficientnet_lite(int number, int input_size, int classes);

// Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", CVPR
// 2018: NASNet-A (6 @ 4032); and Liu et al., "Progressive Neural Architecture Search", ECCV 2018: PNASNet-5
// (4 @ 216). Padding and pooling as in TensorFlow: means leave the padding out. Names: those of timm and of
// pretrained-models.pytorch, which are the same.
Architecture nasnet_a_large(int input_size, int classes);
Architecture pnasnet_5_large(int input_size, int classes);

// Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016.
// `minor` 0 is SqueezeNet 1.0 of the paper, 1 the cheaper 1.1 of its repository.
Architecture squeezenet(int minor, int input_size, int classes);

}  // namespace alertbench::zoo
