"""stub"""


class RefusalPhrases:
    pass
