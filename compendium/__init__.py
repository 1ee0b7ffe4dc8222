"""What makes and checks the book: claims, studies of one paper, figures, pages, and the build."""
