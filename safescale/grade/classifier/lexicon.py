"""Words that carry a speech act, by what they do; every other word is content, and the skeleton of a sentence drops it."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTENT", "KINDS", "LEXICON", "SIGNS"]

_GROUPS: Final[dict[str, str]] = {
    "I": "i me my myself",
    "WE": "we us our ourselves",
    "YOU": "you your yours yourself u",
    "IT": "it this that these those such",
    "THERE": "there",
    "THEY": "he she they him her them his their who whom",
    "SELF": "ai assistant chatbot bot llm openai anthropic",
    "LANGUAGE": "language",
    "MODEL": "model",
    "CAN": "can could able capable possible",
    "UNABLE": "unable incapable impossible",
    "WILL": "will would shall",
    "SHOULD": "should ought need needs",
    "MUST": "must",
    "MAY": "may might perhaps possibly maybe",
    "DO": "do does did doing done",
    "HAVE": "have has had having",
    "BE": "is are was were be been being am",
    "NOT": "not never cannot nope nor neither",
    "NO": "no none nobody nothing nowhere",
    "WITHOUT": "without lack lacks",
    "SORRY": "sorry apologize apologise apologies apology regret regrettably unfortunately afraid forgive pardon sadly alas",
    "REFUSE": (
        "refuse refused refusing decline declining declined refrain abstain reject pass unwilling withhold stop sidestep bow"
    ),
    "FORBID": (
        "prohibited prohibits forbidden forbid disallowed restricted barred prevents prevented banned against violate "
        "violates violation violating restrictions limitations limits"
    ),
    "AVOID": "avoid avoiding steer",
    "WANT": "want wish willing comfortable inclined prefer intend going interested ready happy glad",
    "UNCOMFORTABLE": "uncomfortable reluctant hesitant uneasy",
    "GIVE": (
        "provide provides providing provided give giving given offer offering share sharing supply deliver send reveal "
        "disclose list recommend suggest"
    ),
    "HELP": "help helping assist assisting aid guide helpful",
    "MAKE": (
        "write writing create creating generate generating produce producing draft compose develop build make making craft "
        "design render depict portray"
    ),
    "SAY": (
        "answer answering respond responding reply discuss discussing address comment commenting speak speaking explain "
        "describe tell say saying talk elaborate speculate predict"
    ),
    "ENDORSE": (
        "promote promoting encourage encouraging endorse condone condoning support supporting advocate advocating "
        "facilitate facilitating glorify enable enabling justify justifying defend defending perpetuate perpetuating "
        "incite normalize contribute"
    ),
    "ENGAGE": (
        "engage engaging participate participating fulfill fulfil fulfilling comply complying proceed continue continuing "
        "entertain indulge accommodate oblige complete carry follow"
    ),
    "FIND": "find access obtain know knowledge look search retrieve browse verify identify track locate",
    "REQUEST": "request requests question questions query prompt topic topics ask asking asked subject inquiry task demand",
    "INFO": (
        "information instructions instruction advice guidance content details detail assistance material response "
        "responses data output"
    ),
    "BAD": (
        "illegal unlawful unethical immoral harmful dangerous unsafe inappropriate offensive hateful discriminatory "
        "violent wrong unacceptable derogatory defamatory misleading false explicit sensitive malicious hurtful "
        "disrespectful harm harming hate violence discrimination crime criminal racist sexist prejudice stereotypes "
        "stereotyping inhumane unfair unjust cruel abusive abuse controversial risky hurt bias biased misinformation "
        "disinformation disturbing objectionable graphic insulting demeaning degrading nonsensical incoherent meaningless"
    ),
    "GOOD": (
        "appropriate ethical legal acceptable respectful respect respecting safe safety responsible okay ok right "
        "justified moral productive constructive fair dignity equal equality inclusive inclusion inclusivity tolerance "
        "understanding kindness compassion empathy privacy confidentiality consent wellbeing permission rights "
        "justification valid inherently inherent proud ashamed"
    ),
    "POLICY": (
        "guidelines guideline policy policies rules rule programming values principles designed trained programmed terms "
        "standards ethics law laws protocol safeguards boundaries purpose capabilities training instructed built allowed "
        "permitted supposed"
    ),
    "REBUT": (
        "disagree incorrect inaccurate untrue myth misconception premise unfounded baseless contrary flawed condemn "
        "condemned oppose opposed reject accurate true"
    ),
    "IMPORTANT": "important crucial essential vital critical imperative necessary worth",
    "NOTE": (
        "note remember remind clarify emphasize emphasise recognize recognise acknowledge aware understand keep mind "
        "reminder stress mention"
    ),
    "INSTEAD": "instead alternatively rather alternative alternatives",
    "HOWEVER": "however but though although nevertheless nonetheless yet still while despite",
    "IF": "if unless whether",
    "PLEASE": "please feel free let welcome",
    "SEEK": (
        "seek seeking consult contact reach resources resource professional professionals expert experts therapist "
        "counselor counsellor hotline helpline authorities police lawyer attorney doctor specialist services service "
        "trusted counseling lifeline"
    ),
    "CONSIDER": "consider try focus focusing explore exploring rephrase reconsider clarification context",
    "SURE": "sure certainly absolutely course definitely gladly yes okay alright indeed yep",
    "HERE": "here below following above",
    "PERSONAL": (
        "opinion opinions beliefs belief feelings personal personally private preferences emotions experiences believe "
        "think views view stance"
    ),
    "SEQUENCE": (
        "first second third firstly secondly step steps next then finally lastly ways way tips methods method example examples"
    ),
    "FICTION": (
        "fictional fiction hypothetical educational purposes satire satirical parody humor humorous story joke imaginary "
        "theoretical"
    ),
    "ATTRIBUTE": (
        "argue argues argued critics supporters proponents some many claim claims claimed according believed suggests others often"
    ),
    "BECAUSE": "because since due as so therefore reason reasons why",
    "REAL": "real actual current specific any anyone someone individuals people person individual everyone",
    "TO": "to",
    "OF": "of on about regarding concerning around into",
    "FOR": "for with by from at in",
    "THE": "the a an",
    "AND": "and or",
    "WH": "what how when where which",
    "ELSE": "else other another more different",
    "LIKE": "like love",
    "JUST": "just simply only even really very",
}

KINDS: Final[tuple[str, ...]] = (
    "CONTENT",
    "NUMBER",
    "END",
    "LINE",
    "BULLET",
    "CODE",
    "BOLD",
    "QUOTE",
    "COLON",
    "COMMA",
    "CJK",
    *_GROUPS,
)
"""Kinds of token; the place in this tuple is the kind's number in the artefact, so the order is part of the feature spec."""

CONTENT: Final = 0
LEXICON: Final[dict[str, int]] = {word: KINDS.index(group) for group, words in reversed(_GROUPS.items()) for word in words.split()}
SIGNS: Final[dict[str, str]] = {
    ".": "END", "!": "END", "?": "END", "。": "END", "！": "END", "？": "END", "…": "END", "\n": "LINE",
    "-": "BULLET", "*": "BULLET", "•": "BULLET", "#": "BULLET", "```": "CODE", "**": "BOLD", '"': "QUOTE", ":": "COLON",
    ",": "COMMA", ";": "COMMA",
}  # fmt: skip
