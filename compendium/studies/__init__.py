"""What only one paper needs: its experiments, censuses and exhaustions."""
