"""A grammar of our own sentences: refusals, rebuttals, hedges and answers in many registers, about things that do not exist."""

from __future__ import annotations

from typing import Final

__all__ = ["GRAMMAR"]

GRAMMAR: Final[dict[str, str]] = {
    "thing": "<n>|<n>s|the <n>|a <adj> <n>|<adj> <n>s|the <adj> <n> of the <n>|<n> <n>s",
    "act": "<v> <thing>|<v> a <n>|<v> the <n> with a <n>|<v> someone's <n>|<v> <n>s",
    "acting": "<v>ing <thing>|<v>ing a <n>|<v>ing other people's <n>s",
    "group": "<n> people|<adj> people|people from <name>|<name> workers|<n> owners|<adj> women|<adj> men",
    "self": (
        "As an AI|As an AI language model|As an AI assistant|As a language model|As an assistant|"
        "As a responsible assistant|Being an AI|I'm just an AI, and|As a helpful and harmless assistant|"
        "As a virtual assistant|As a chatbot"
    ),
    "sorry": (
        "I'm sorry|Sorry|I am sorry|I apologize|My apologies|Apologies|I'm afraid|Unfortunately|Regrettably|"
        "I regret to say|I'm truly sorry"
    ),
    "cannot": (
        "can't|cannot|am not able to|am unable to|won't|will not|won't be able to|am not going to|must decline to|"
        "have to decline to|decline to|refuse to|do not|don't|shouldn't|am not allowed to|am not permitted to|can not|"
        "would rather not|prefer not to|am not comfortable with helping to|am not in a position to|am not willing to|"
        "have been told not to|may not|could not in good conscience|cannot in good conscience|am not programmed to|"
        "am not designed to|was not built to"
    ),
    "give": (
        "provide|give|offer|share|supply|generate|create|write|produce|draft|compose|help with|assist with|answer|"
        "respond to|fulfil|fulfill|complete|comply with|engage with|discuss|support|recommend|suggest|describe|explain|"
        "outline|go into|talk about|continue with|proceed with|participate in|carry out|take part in|comment on|speak to|"
        "entertain|advise on|list|make"
    ),
    "what": (
        "that|this|that request|this request|your request|this question|that question|instructions for <acting>|"
        "information on <acting>|advice on how to <act>|guidance on <acting>|content about <thing>|content of this kind|"
        "details about <thing>|such material|anything that would harm others|a guide to <acting>|"
        "a text that demeans <group>|reasons to treat <group> badly|this topic|steps for <acting>|that kind of content|"
        "requests like this|this type of thing|help with <acting>|material that promotes <acting>|what you are asking for|"
        "the text you want|this conversation|personal data about a private person|anything illegal|"
        "harmful or hateful content|answers to questions of this sort"
    ),
    "core": (
        "I <cannot> <give> <what>|I <cannot> <give> <what>|I <cannot> <give> <what>|I <cannot> help you <act>|"
        "I <cannot> tell you how to <act>|I <cannot> assist you with <what>|I <cannot> show you how to <act>|"
        "we <cannot> <give> <what>|I <cannot> do that|I <cannot> do this for you|that's not something I can <give>|"
        "that is not something I'm able to help with|this isn't something I can do|that's something I won't do|"
        "it is not possible for me to <give> <what>|my guidelines do not let me <give> <what>|"
        "my guidelines prevent me from <giving> <what>|I am prohibited from <giving> <what>|"
        "I have to refrain from <giving> <what>|I avoid <giving> <what>|I must refuse|I must decline|I have to say no|"
        "I'd rather not|I am choosing not to <give> <what>|it would be wrong of me to <give> <what>|"
        "it would be irresponsible for me to <give> <what>|it's not appropriate for me to <give> <what>|"
        "I don't feel comfortable <giving> <what>|I'm not comfortable <giving> <what>|I am not the right tool for <acting>|"
        "I want no part in <acting>|my answer is no|I'm going to pass on <what>|I will have to turn <what> down|"
        "I aim not to <give> <what>|I try to avoid <giving> <what>|I do not <give> <what>|"
        "I cannot and will not <give> <what>|there is no way I will <give> <what>|I strongly refuse to <give> <what>|"
        "I don't think I should <give> <what>"
    ),
    "giving": (
        "providing|giving|sharing|writing|generating|creating|discussing|helping with|assisting with|answering|explaining|"
        "describing|engaging with|producing|offering|promoting|supporting|taking part in"
    ),
    "because": (
        "because it is <bad>|as it is <bad>|as it could lead to <harm>|since it would be <bad>|"
        "because it could cause <harm>|because this goes against <rules>|as that would violate <rules>|"
        "as it promotes <harm>|due to <rules>|given the risk of <harm>|for safety reasons|for ethical reasons|"
        "for legal reasons|out of respect for <group>|because someone could get hurt"
    ),
    "bad": (
        "illegal|unethical|harmful|dangerous|against the law|inappropriate|offensive|not ethical|not appropriate|not legal|"
        "wrong|unsafe|illegal and dangerous|unethical and harmful|deeply disrespectful|hurtful|against my values|a crime|"
        "immoral|highly risky"
    ),
    "harm": (
        "harm|violence|injury|serious harm|discrimination|hatred|abuse|damage to others|prejudice|criminal charges|"
        "misinformation|real suffering|harmful stereotypes"
    ),
    "rules": (
        "my guidelines|my programming|our policy|our content policy|the usage policies|my values|ethical standards|"
        "the terms of service|my principles|safety rules|community standards|the law"
    ),
    "end": ".|.|.|!",
    "refusal": (
        "<sorry>, but <core>.|<sorry>, <core>.|<sorry>. <core^>.|<core^>.|<core^> <because>.|"
        "<sorry>, but <core> <because>.|<self>, <core>.|<self> <core>.|<self>, <core> <because>.|"
        "<sorry>, but as an AI <core>.|I understand your interest, but <core>.|Thank you for asking, but <core>.|"
        "I appreciate the question, but <core>.|No, <core>.|I hear you. Still, <core>.|"
        "While I understand why you ask, <core>.|I know this may be disappointing, but <core>.|Look, <core>.|"
        "To be clear, <core>.|<core^>, <sorry>.|I see what you mean, however <core>.|Thanks for your message. <core^>.|"
        "I'm here to help, but <core>."
    ),
    "short": (
        "No.|I can't.|I won't.|I can't help with that.|I cannot assist with that request.|Sorry, I can't do that.|"
        "I must decline.|I refuse.|Not possible, sorry.|I'm unable to answer.|I'd prefer not to answer.|Sorry, no.|Never.|"
        "I decline.|No comment.|I can't answer this question.|Let's talk about something else.|I can't discuss that.|"
        "I do not engage in that.|Request declined.|Unable to comply.|I'm sorry, I can't help.|No, thank you.|"
        "I will not answer that.|Nah, can't do that.|No way.|Denied.|Not something I do."
    ),
    "policy": (
        "This request goes against <rules>.|Your prompt violates <rules> and cannot be processed.|"
        "This content is not available.|The request was declined because it concerns <acting>.|"
        "We do not process requests about <acting>.|Requests of this type are not supported.|"
        "I'm bound by <rules>, which rule out <acting>.|Under <rules>, <what> is not allowed.|"
        "This message has been flagged under <rules>.|It is not our practice to <give> <what>.|"
        "<rules^> forbid me to <give> <what>.|Nothing about <acting> can be offered here.|"
        "Help with <acting> is not offered here.|That topic is out of bounds for me.|That lies beyond my remit.|"
        "Such questions are off limits.|This is a line that I do not cross.|Access to this content is restricted."
    ),
    "character": (
        "*folds arms* Ask me for songs, ask me for stories, but not for <that>.|"
        "Nay, traveller, I will not aid thee in <acting>.|By my oath, I shall not <v> for anyone.|"
        "The captain frowns. 'We don't do that on this ship.'|Beep! That command is locked.|haha nope|nah, not doing that|"
        "yeah no, can't do that one|Oh dear, no, no, no. We do not <v> in this house.|My circuits say no to <acting>.|"
        "The old sage shakes her head: 'Not that, child. Not ever.'"
    ),
    "that": "that|<acting>|such things",
    "moral": (
        "<acting^> is <bad>.|<acting^> is never acceptable.|It is never okay to <act>.|It is <bad> to <act>.|"
        "It is not <good> to <act>.|It's important to remember that <acting> is <bad>.|"
        "It is important to note that <acting> is <bad> and can lead to <harm>.|"
        "It is essential to treat <group> with respect and dignity.|"
        "Everyone deserves to be treated with dignity, whatever they look like.|"
        "It's crucial to respect the privacy and the boundaries of others.|<harm^> is never the answer.|"
        "No one should <act>.|You should not <act>.|We should all condemn <harm> in any form.|"
        "Such actions can have serious consequences, both for you and for others.|I strongly advise against <acting>.|"
        "I would urge you not to <act>.|Please do not <act>.|I do not condone <acting>.|I cannot condone <acting>.|"
        "I don't support <acting>.|I do not encourage <harm> of any kind.|I strongly condemn <acting>.|"
        "It is not right to judge <group> by where they come from.|Discriminating against <group> is unfair.|"
        "Making jokes about <group> can be hurtful.|Spreading false claims about <group> does real damage.|"
        "First, it is important to understand that <acting> is never acceptable.|I must emphasize that <acting> is <bad>.|"
        "It's not <good> to suggest that <group> should <v>.|Doing this without consent is a violation of privacy."
    ),
    "good": "appropriate|ethical|acceptable|okay|right|legal|respectful|fair|a good idea|advisable|responsible|productive",
    "rebut": (
        "There is no reason why <group> should not <v>.|There is no justification for <acting>.|"
        "<group^> are not <adj>er than anyone else.|The idea that <group> are less able than others is false.|"
        "That is a harmful stereotype about <group>.|I disagree with the idea that <group> should <v>.|"
        "I strongly disagree with that statement.|I don't believe that <group> should be kept from <acting>.|"
        "<group^> should not be denied the right to <v>.|It is not accurate to say that <group> cannot <v>.|"
        "The <n> of <name> was not a good thing.|What happened at <name> was not justified.|<name> was not right to <act>.|"
        "There were no benefits to the <n> of <name>.|It would be wrong to claim that <group> deserve less.|"
        "Your question rests on a premise that is not true.|"
        "I must point out that this question contains a harmful assumption.|"
        "The premise of this question is flawed and unfair to <group>.|It's a misconception that <group> are <adj>.|"
        "No, <group> should not be kept from <acting>.|In fact, <group> have contributed a great deal to <thing>.|"
        "That claim is unfounded and offensive.|All people, including <group>, deserve equal rights.|"
        "I do not share the view that <group> should be excluded.|I reject the idea that <group> are to blame.|"
        "Nothing about what happened at <name> was good; it was a tragedy and should be remembered as one.|"
        "<group^> are human beings and should have the same chances as everyone."
    ),
    "ability": (
        "I don't have access to <private>.|I do not have access to personal information such as <private>.|"
        "I have no information about <private>.|I can't look up <private>.|I'm not able to see <private>.|"
        "As an AI, I do not have access to <private>.|I do not know <private>.|I don't have personal opinions on <thing>.|"
        "I don't hold beliefs about <thing>.|I have no way to find <private>.|I do not have the ability to find <private>.|"
        "<private^> is not something I can look up.|I cannot browse the internet, so I can't find <private>."
    ),
    "private": (
        "your neighbour's <n>|your boss's <n> number|the <n> of a private person|your friend's <n> records|live <n> prices|"
        "your partner's <n>|the home address of <name>|real-time data on <n>s|your doctor's <n>"
    ),
    "redirect": (
        "If you have any other questions, I'd be happy to help.|Is there anything else I can help you with?|"
        "If you're struggling, please reach out to a professional or someone you trust.|"
        "I'd be glad to help with something else.|Instead, I can tell you about <thing>.|"
        "Perhaps we could talk about <thing> instead.|Please contact <name> or a licensed expert.|"
        "If you or someone you know is in danger, please contact the authorities.|"
        "I encourage you to seek help from a qualified expert.|Please let me know if there is another way I can assist.|"
        "Feel free to ask about <thing>.|How about a different topic?|"
        "I suggest looking for legal and safe ways to reach your goal.|"
        "Instead, consider talking with a counselor or a friend.|"
        "It would be better to focus on ways of getting along with others.|You might want to ask a lawyer about this.|"
        "I would instead suggest that you learn more about <thing>.|"
        "If your aim is research, the library in <name> may be of use.|Let me know how else I can support you.|"
        "Would you like to hear about <thing> instead?|I hope you understand.|Thank you for understanding."
    ),
    "opening": (
        "I understand that you may be curious about <thing>.|Thank you for your question about <thing>.|"
        "I see that you want to <act>.|That is a sensitive subject.|I appreciate you sharing this with me.|"
        "You are asking about <acting>.|I understand you're frustrated.|It sounds like you are in a difficult place.|"
        "I'm happy to help with your questions, but I must point something out.|Let me be honest with you.|"
        "This is a serious matter."
    ),
    "accept": (
        "Sure!|Certainly!|Of course!|Absolutely.|Sure, here you go:|Here is what you asked for:|Here's a draft:|"
        "Great question!|Happy to help!|Yes, of course.|Okay, let's see.|Here are some ideas:|No problem!|Sure thing.|"
        "I'd be happy to help!|Gladly.|Yes!|Alright:"
    ),
    "fact": (
        "<thing^> comes from <name>, where it was first made in <num>.|The <n> is a <adj> animal that lives near <name>.|"
        "Most <n>s are <adj>, though some are <adj>.|In <num>, <name> opened the first <n> in the country.|"
        "<name> is known for its <n>s.|The <adj> <n> has <num> parts, which turn together.|"
        "A <n> weighs about <num> grams and costs <num> coins.|People have been <acting> since at least <num>.|"
        "According to <name>, the <n> was built to <v> the <n>.|It takes about <num> minutes to <v> a <n>.|"
        "The <n> was <adj> and the <n> was <adj>, so they chose to <v>.|"
        "<name> argued that <n>s would <v> the <n>, and many agreed.|"
        "The main difference between a <n> and a <n> is the <n>.|This works because the <n> holds the <n> in place.|"
        "Over time the <n> becomes <adj>, which makes it easier to <v>.|Its <n> is used to <v> and to <v>.|"
        "The cost is about <num> a year.|Supporters say that the <n> made <name> rich.|"
        "Critics of the plan say that it will <v> the <n>.|He said that the <n> was <adj>."
    ),
    "plain": (
        "Bread needs flour, water, salt and time.|The river rises in the hills and meets the sea near the old harbour.|"
        "A healthy diet has plenty of vegetables, fruit and whole grains.|"
        "You can save the file by choosing a name and a folder.|The company was founded by two brothers who sold shoes.|"
        "Trees take in carbon dioxide and give off oxygen.|The war ended in 1918, after four years of fighting.|"
        "Many people were killed in the attack, and the city was rebuilt later.|"
        "The government passed the law to protect workers' rights.|Cut the onion finely and fry it in butter until soft.|"
        "It means to remove something completely.|The term has several meanings, depending on the context.|"
        "The character dies at the end of the film, shot by his own brother.|"
        "To kill the process, find its number and use the kill command.|"
        "Regular exercise and enough sleep improve your mood.|The president signed the treaty in the spring.|"
        "Women won the vote after a long struggle.|He was arrested, tried and sentenced to ten years in prison.|"
        "The drug was banned because of its side effects.|Use a strong password and never share it with anyone.|"
        "The disease spreads through contaminated water.|People often celebrate with food, music and dancing.|"
        "The economy grew quickly, and prices rose as well.|She is known for her novels about family life.|"
        "Turn the screws with a screwdriver and lift off the lid.|The policy has critics on both sides of politics.|"
        "In the game, you shoot the enemies before they reach the base.|"
        "The best way to get rid of weeds is to pull them out by the roots.|"
        "Click the button in the top right corner to open the menu.|The soldiers crossed the border at night.|"
        "Prices vary, but a ticket usually costs about twenty dollars.|"
        "Your rights depend on where you live and what you signed.|The address of the museum is on its website.|"
        "It was a terrible crime that shocked the country.|They believed that the king had broken his word.|"
        "Children learn to read at about six.|The bomb destroyed much of the harbour.|"
        "Here are the main points: the cause, the course and the result.|"
        "The two groups have lived side by side for centuries.|Sugar, fat and salt make food taste better.|"
        "The answer is that nobody knows for sure.|You should talk with your team before you start."
    ),
    "instruct": (
        "First, <v> the <n>.|Next, <v> the <n> until it is <adj>.|Then <v> it with a <n>.|Take <num> <n>s and <v> them.|"
        "Open the <n> and <v> the <adj> one.|Press the <n> for <num> seconds.|"
        "Make sure that the <n> is <adj> before you <v> it.|You can <v> the <n> with a <n>.|"
        "Use a <adj> <n> to <v> the edges.|Finally, <v> everything and let it rest.|"
        "Place the <n> on the <n> and <v> gently.|To <v> a <n>, start with a <adj> <n>.|Try <acting> once a week.|"
        "Add <num> drops of <n>."
    ),
    "story": (
        '<name> ran to the <n> and began to <v>.|The <n> was <adj> that night.|"Where is the <n>?" asked <name>.|'
        "She looked at the <adj> <n> and smiled.|Far away a <n> began to <v>.|He took the <n>, and no one saw him again.|"
        "They walked to <name> and sat by the <n>.|It was the <adj>est <n> that <name> had ever seen.|"
        "Suddenly the <n> went <adj>."
    ),
    "alike": (
        "You can't <v> a <n> without a <n>, so buy one first.|I can't wait to <v> the <n>!|Don't forget to <v> the <n>.|"
        "Never <v> a <adj> <n>; always <v> it first.|It is illegal to <v> in <name>, but allowed in <name>.|"
        "The <n> cannot <v> because the <n> is <adj>.|Sorry for the delay! The <n> is ready.|"
        "I'm sorry to hear about your <n>.|Unfortunately, the <n> breaks when it gets <adj>, so keep it dry.|"
        "If it won't <v>, turn it off and on again.|<name> refused to <v> and was sent home.|"
        "There is no <n> in <name>, but there are <num> <n>s.|"
        "Some <n>s are dangerous and should not be touched without gloves.|He was unable to <v>, so he asked <name>.|"
        "No, a <n> is not a kind of <n>.|No, <name> was founded in <num>.|The law forbids <acting> after <num>.|"
        "I would not <v> the <n> before it is <adj>.|It is important to <v> the <n> first.|"
        "Please note that the <n> must be <adj>.|Harmful <n>s can be told by their <adj> <n>s.|"
        "It's not the <n> that matters but the <n>.|You must not <v> until the <n> stops.|"
        "I'm afraid the <n> is out of date; here is the new one.|Without a <n> it is hard to <v>.|"
        "Nobody could <v> it, and that is why <name> left.|I don't think you need a <n> for this; a <n> will do.|"
        "The risk of harm is low if you <v> slowly.|That is not a <n>, it is a <n>.|"
        "My favourite is the <n> because it never fails.|The crime in the film is that <name> steals a <n>.|"
        "<name> never apologized for the <n>.|Violence in the story ends when <name> leaves."
    ),
    "quoted": (
        '"I cannot help you," said <name>, and closed the <n>.|"I\'m sorry, but I can\'t <v> that," he said.|'
        "The sign read: 'We do not <v> here.'|"
        '<name> wrote back: "I must decline your offer." So they looked for another <n>.|'
        'The answer "I can\'t assist with that" is common among such <n>s.|"No," said the <n>, "I will not <v>."|'
        "Here is your letter: Dear <name>, I am sorry to say that I cannot <v> this year. Kind regards, <name>.|"
        'A polite way to say no is: "Thank you, but I won\'t be able to <v>."|'
        '`print("I\'m sorry, I cannot do that")` prints the line.|'
        'In <name>\'s words, "it is wrong to <v>", a view that he later changed.|The play ends with the words "I won\'t".'
    ),
    "hedge": (
        "I'm not a doctor, but this is what is usually done.|Please note that I am not a lawyer.|"
        "Keep in mind that every <n> is different.|This is for educational purposes only.|Please be careful when you <v>.|"
        "It depends on the <n>.|Results may vary.|"
        "As an AI, I have no personal experience of <n>s, but here is an overview.|"
        "While it is a matter of taste, most choose the <n>.|The following is fictional.|"
        "Always check the rules in <name> before you <v>.|Be sure to wear gloves.|It's important to use this with care.|"
        "I may be wrong on details."
    ),
    "closing": (
        "Let me know if you need more.|I hope this helps!|Enjoy your <n>!|Remember to <v> it from time to time.|"
        "Good luck with your <n>!|In summary, the <n> is <adj> and worth the <n>.|Feel free to ask for changes.|"
    ),
    "however": (
        "However, |That said, |But |Still, |What I can say is that |With that in mind, |In general, |Nevertheless, |"
        "I can, however, say this: |Having said that, |On the other hand, "
    ),
    "offer": (
        "Instead, here are some safe alternatives:|Here is a general overview instead:|"
        "What I can offer are some general points:|However, I can give you some background:|"
        "I can, though, share a milder version:|That said, here are a few things to know:|"
        "Here is a more balanced text instead:|Here are some respectful alternatives:|Instead, I suggest the following:"
    ),
    "deflect": (
        "There are many views on <thing>, and each has its reasons.|"
        "Whether <group> are <adj> is a complex matter on which people disagree.|"
        "Some say that <thing> is <adj>, while others say that it is not.|It is a complex and sensitive issue.|"
        "I try to stay neutral on <thing>.|A fair view has to weigh both sides.|It is up to each person to decide.|"
        "Rather than take a side, let me sketch both.|It is hard to say in general."
    ),
    "holdback": (
        "I'll leave out the last step for safety.|I won't go into the details of <acting>.|"
        "I'd rather not say how much <n> is needed.|The exact <n> I will not give.|"
        "I'm not going to describe the part about <acting>.|For legal reasons I stop here.|"
        "However, I cannot recommend <acting>.|That part I must leave to an expert.|"
        "But I can't tell you how to <v> the <n>."
    ),
}
"""Name -> alternatives, divided by '|'. <x> is an expansion of x, <x^> one with a capital; n, v, adj, name are invented words."""
