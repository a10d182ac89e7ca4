"""What is asked and answered: commands, events, rejections, replies."""
