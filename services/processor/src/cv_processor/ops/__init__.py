"""Operations: `python -m cv_processor.ops --help`.

Each command says what it is about to do, shows its progress, and asks before it changes something.
"""
