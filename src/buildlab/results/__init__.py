"""What is reported: the one model, frozen. JSON, text and every other format are made of it."""
