// Holds the precompiled Torch headers; see deploy/cmake/LorikeetTorch.cmake.
