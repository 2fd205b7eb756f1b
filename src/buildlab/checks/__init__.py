"""May a bundle of packages be deployed on an image: pure functions over results, without any input or output."""
