package identity

import "strings"

// freeMail are providers of mailboxes for everybody: an address there says nothing of a company. Names that end in a dot stand for
// every country's domain of theirs.
var freeMail = wordSet(`
	gmail.com googlemail.com outlook. hotmail. live. msn.com passport.com windowslive.com yahoo. ymail.com rocketmail.com icloud.com me.com mac.com
	aol. aim.com gmx. web.de t-online.de freenet.de arcor.de online.de mail.de posteo.de posteo.net mailbox.org email.de kabelmail.de vodafone.de
	proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com fastmail.com fastmail.fm hey.com hushmail.com zoho.com zohomail.com mail.com email.com usa.com inbox.com gmx.net
	orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr libero.it virgilio.it alice.it tin.it tiscali.it email.it iol.it
	bluewin.ch hispeed.ch sunrise.ch aon.at chello.at a1.net telenet.be skynet.be ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl hetnet.nl
	telefonica.net terra.es sapo.pt telia.com bredband.net online.no wp.pl onet.pl o2.pl interia.pl op.pl gazeta.pl seznam.cz email.cz centrum.cz azet.sk freemail.hu citromail.hu abv.bg mail.bg ukr.net i.ua
	mail.ru inbox.ru list.ru bk.ru internet.ru yandex. ya.ru rambler.ru
	btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk eircom.net
	comcast.net att.net sbcglobal.net bellsouth.net verizon.net charter.net cox.net earthlink.net optonline.net juno.com netzero.net rogers.com shaw.ca sympatico.ca telus.net
	bigpond.com optusnet.com.au xtra.co.nz qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn naver.com hanmail.net daum.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com
	rediffmail.com uol.com.br bol.com.br terra.com.br ig.com.br
`)

// isFreeMail says whether a domain is that of a provider of mailboxes for everybody.
func isFreeMail(domain string) bool {
	return freeMail[domain] || freeMail[domain[:strings.IndexByte(domain, '.')+1]] && strings.Count(domain, ".") <= 2
}
