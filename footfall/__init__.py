"""The words of Footfall: pure functions of tables and files, in the order of the line."""
