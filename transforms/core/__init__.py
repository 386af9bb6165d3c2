"""What is computed: pure functions over chunks and arrays, without Beam."""
